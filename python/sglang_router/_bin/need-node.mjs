// Any Node can parse this, so that an old one gets a sentence in place of a syntax error.
var OLDEST = 24;

if (parseInt(process.versions.node, 10) < OLDEST) {
  console.error(
    'error: expected Node ' +
      OLDEST +
      ' or newer, got Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      '); install a newer one, or the Python package, which brings its own: pip install sglang-router',
  );
  process.exit(1);
}
