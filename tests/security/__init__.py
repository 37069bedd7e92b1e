"""Attacks on the whole system through its real nginx. Beside the tests, this folder holds what attacks are made of.

who          people (somebody with one of each thing), visitors (nobody yet), belongings (all that somebody has)
what         operations (all that is published), asks (a request with places for ids), matrix (a row for each operation)
with what    credentials (signed as the system would), forging (ways to make one up), forgeries (a name for each)
beside them  mailbox (what auth has sent), streams (answers that come slowly), command_line (what operators type)
"""
