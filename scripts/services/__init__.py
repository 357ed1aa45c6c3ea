"""The outside services of development and tests: PostgreSQL and Redis of this clone alone.

Owns their installation from Debian packages, their folders, ports, passwords and life, in one
class a service. Uses the standard library only and must not know the product.
"""
