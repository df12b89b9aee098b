"""The console's pages: HTML forms that work without JavaScript, thin over `console.services`."""
