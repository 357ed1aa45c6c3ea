"""Where a dialogue stands: its schema, its stores, and the turn that moves it.

The parts carry the names of the document this design comes from: Contract (schema and defaults),
Builder (create and hydrate), Validator, Upcaster, Patcher (the atomic commit) and Controller
(the whole turn).
"""
