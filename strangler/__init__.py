"""The strangler: decides by flag which side answers a route, and moves routes from one side to the other."""
