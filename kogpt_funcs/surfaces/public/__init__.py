"""What stands between strangers and the functions: keys, limits, names, headers, logs, metrics, a polite end."""
