"""Tests of the offline model server, all over real HTTP."""
