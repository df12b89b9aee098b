"""Promises F1-F19 and L8-L12 with real faults: the thing is really stopped, made to hang, cut or filled up."""
