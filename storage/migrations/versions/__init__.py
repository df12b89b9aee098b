"""One file per step, never changed once released.

A step only adds, or removes what no running release uses any more, so that the release before it can run
beside it.
"""
