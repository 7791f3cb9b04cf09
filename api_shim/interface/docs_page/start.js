// A file of its own, so that the page's policy can refuse every inline script.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  // The badge would ask another host what it thinks of our document.
  validatorUrl: null,
  deepLinking: true,
});
