"""Speed and memory of ours and of its peers on the same weights, in one run. It knows the functions only as a client
does.
"""
