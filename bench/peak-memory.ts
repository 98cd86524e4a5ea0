// Loaded before a program: prints the peak of its resident memory in bytes as its last line.
process.on('exit', () => {
  console.log(String(process.resourceUsage().maxRSS * 1024));
});
