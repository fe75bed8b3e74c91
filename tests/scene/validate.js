// Prints what the Khronos validator says of each GLB file that is named, a line of JSON each.
const validator = require("gltf-validator"), fs = require("fs");
(async () => {
  for (const file of process.argv.slice(2)) {
    const { issues, info } = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)), { maxIssues: 100 });
    const { numErrors, numWarnings, numInfos, messages } = issues;
    console.log(JSON.stringify({ numErrors, numWarnings, numInfos, messages, animations: info.animationCount }));
  }
})();
