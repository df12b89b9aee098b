"""The upstream side of the gateway: strict answers, a keep-alive pool per upstream, circuit and retry
rules.
"""
