"""The server side of the gateway: a strict HTTP/1.1 reader and relay on asyncio protocols (RFC 9110, RFC
9112).
"""
