"""nginx, the only public door. A package only so that its tests can import each other."""
