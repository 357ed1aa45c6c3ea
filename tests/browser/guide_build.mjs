// Bundles a component of the integration guide with its framework, as a customer's build would.
// node guide_build.mjs FOLDER PACKAGES: reads FOLDER/entry.js and its neighbours, writes FOLDER/app.js.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, packages] = process.argv.slice(2).map((one) => path.resolve(one));
const require = createRequire(path.join(packages, "anything.js"));
const esbuild = require("esbuild");
const { compileScript, parse } = require("@vue/compiler-sfc");

const vue = {
  name: "vue",
  setup(build) {
    build.onLoad({ filter: /\.vue$/ }, async ({ path: file }) => {
      const { descriptor, errors } = parse(await readFile(file, "utf8"), { filename: file });
      if (errors.length) throw errors[0];
      const { content } = compileScript(descriptor, { id: "guide", inlineTemplate: true });
      return { contents: content, loader: "js" };
    });
  },
};

await esbuild.build({
  entryPoints: [path.join(folder, "entry.js")],
  outfile: path.join(folder, "app.js"),
  bundle: true,
  format: "esm",
  jsx: "automatic",
  nodePaths: [packages],
  define: {
    "process.env.NODE_ENV": '"production"',
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
  },
  plugins: [vue],
  logLevel: "warning",
});
