"""The OpenAI clients that people use, as they are, against the real nginx; and the rules of the wire they stand on.

`test_openai_*` is the official SDK for Python, `test_wire_*` reads bytes, `test_front_ends` sends what front-ends send.
The clients in `node/` and `python/` have environments of their own (`make clients`) and tests in their own language,
which `test_other_clients` runs and reports one by one.
"""
