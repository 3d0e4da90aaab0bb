// dt-sql-parser's files import folders and leave out ".js", as bundlers allow; node wants both written out.
import { register } from "node:module";

const hook = `
export async function resolve(name, context, next) {
  try {
    return await next(name, context);
  } catch (error) {
    if (error.code === "ERR_UNSUPPORTED_DIR_IMPORT") return next(name + "/index.js", context);
    if (error.code === "ERR_MODULE_NOT_FOUND") return next(name + ".js", context);
    throw error;
  }
}`;
register("data:text/javascript," + encodeURIComponent(hook));
