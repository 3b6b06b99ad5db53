"""Pictures of a whole network: its boxes and arrows, a map of every hidden unit, the samples as a hidden layer sees them.

Comes in: the network's sheets as they are drawn. Goes out: further sheets, made of live cells.
"""
