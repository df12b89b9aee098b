"""How a caller proves that it holds a key: client assertions, DPoP proofs, certificates. Storage and OAuth answers are
`auth.server`; what each profile demands is `auth.profiles`.
"""
