"""
Emulator of a Flowroute account: a separate program on loopback.

It serves the vendor's API under ``/v2`` and, under ``/portal``, the settings that exist only as pages in the real
portal. Its traffic follows the admission rule and the current policy.
"""
