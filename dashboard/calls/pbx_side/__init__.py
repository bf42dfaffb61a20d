"""
PBXs' own call detail records, beside the carrier's: the only trace of a refusal that leaves no record there.

A reader a file (``asterisk_csv``, ``freeswitch_csv``), ``reading`` to one frame, ``keeping`` on disk, ``matching`` and
``comparing`` with the carrier's calls.
"""
