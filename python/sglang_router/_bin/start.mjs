import './need-node.mjs';

/** Runs the program under this name, from the bundle. */
export function start(program) {
  import('../_js/main.mjs').then(
    (module) => module.main(program),
    (error) => {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      console.error('error: expected a program that is built, got a clone where it is not: npm ci && npm run build');
      process.exit(1);
    },
  );
}
