"""
SIP: tech prefixes, destinations, dial strings, the trunk, call outcomes, and probes of the carrier's PoPs.

The carrier accepts ``TECHPREFIX*1NPANXXXXXX@PoP``: eight digits, ``*`` or ``#`` (``%23`` in a SIP URI), then
1 and ten digits, or country code and number of up to 15 digits (ITU-T E.164), without ``+`` and without 011.
N11 codes are dialed unchanged. Sources: the carrier's service guide and its articles on IP-based
authentication and on dialing formats.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
