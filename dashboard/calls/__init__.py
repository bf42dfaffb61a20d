"""
Calls: export files to Parquet by day, the roll-up ``traffic``, and what is asked of them.

``ingest`` writes, ``store`` reads, ``outcomes`` and ``attribution`` say what a call means, ``pbx_side`` has what PBXs
recorded themselves, ``metrics`` (its ``definitions``), ``destinations`` and ``replay`` count, ``cube`` draws. All SQL
stands in ``sql/``.
"""
