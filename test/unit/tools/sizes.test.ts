import { expect, test } from "vitest";
import { cFunctions } from "../../../.tools/sizes.ts";

test("C functions are measured with their signature's line, structs are not functions", () => {
  const text =
    "struct a {\n    int b;\n};\n\nint f(void) {\n    return 1;\n}\n\nstatic int g(int a,\n             int b)\n{\n    return a + b;\n}\n";
  expect(cFunctions(text)).toEqual([
    { line: 5, lines: 3 },
    { line: 11, lines: 3 },
  ]);
});
