// Loaded before a measured server: it ends with the bench, however that ends, and tells its CPU time where /proc is missing.
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.channel?.unref();
