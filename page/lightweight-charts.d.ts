// The server serves the package's stand-alone module under this name, beside the page's own modules.
export * from 'lightweight-charts';
