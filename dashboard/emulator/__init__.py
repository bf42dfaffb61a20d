"""
A Flowroute account in a box: a program of its own on loopback.

The vendor's API on ``/v2`` and, under ``/portal``, the settings that the real portal has only as pages.
Its traffic follows the admission rule and the current policy.
"""
