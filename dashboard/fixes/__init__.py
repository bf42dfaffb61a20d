"""
Fixes: planned, guarded, watched and undone.

plan -> apply exactly that, or refuse because the account moved -> verify by re-reading -> watch the
sources it touches -> done, or take it back by the stored inverse. Only this room speaks to a carrier
in order to change something.
"""
