// A file of its own: the Content-Security-Policy runs no inline script.
SwaggerUIBundle({ url: "../openapi.json", dom_id: "#routes" });
