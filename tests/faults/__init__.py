"""What goes wrong in the world: a model that fails, clients that vanish, processes that are killed.

One real system for all of it, with little patience for its model. Everything is looked at through the gateway, except
that crashes are followed by a look into the database files.
"""
