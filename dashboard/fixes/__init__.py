"""
Fixes: plan, guard, apply, monitor and undo changes of the account.

plan -> apply exactly that plan, or refuse because the account changed -> verify by re-reading -> monitor
the affected sources -> done, or undo with the stored inverse. Only this package calls a carrier in order to
change the account.
"""
