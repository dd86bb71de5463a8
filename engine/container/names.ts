/** Drawn names: adjective_surname, from lists of our own; surnames of people who made computing and measurement better. */
import { invalid } from "../base/errors.ts";

const ADJECTIVES =
  "able airy amber ample apt arctic avid azure balanced bold brave bright brisk broad calm candid careful cheerful clear clever coastal cool coral cosy crisp curious daring deft diligent eager early earnest easy elated even exact fair fast fine firm fleet fluent focused fond frank free fresh gentle genial glad golden good graceful grand great happy hardy honest humble ideal jolly keen kind lasting level light lively loyal lucid lucky mellow merry mild modest neat nimble noble novel open patient placid plain polite proud prudent quick quiet rapid ready robust rosy round sage serene sharp silent simple sleek smooth snug solid sound spry stable steady still stoic sturdy subtle sunny sure swift tender thorough tidy tranquil trusty upbeat valid vivid warm wise witty worthy zesty".split(
    " ",
  );
const SURNAMES =
  "abel allen ampere archer babbage backus banach bardeen bartik bell boole borg booth bose bouman cerf chandra church clarke codd conway cook cray curie dahl dahlia davies dijkstra easley eckert eich engelbart erdos erlang euler everest farrell feinler feynman floyd fourier franklin galois gauss germain gilbreth godel goldberg gosling gray hamilton hamming hertz hilbert hoare holberton hopper huffman ibuka iverson jacquard jobs johnson kahan kahn kalman kapitsa karp kay kemeny kernighan kilburn kilby kleene knuth kovalevskaya lagrange lamarr lamport landau laplace leibniz liskov lovelace lynch maxwell mccarthy mcilroy meitner metcalfe milner minsky moore napier neumann noether nyquist ohm pascal perlman petri planck poincare postel rabin ramanujan ritchie rosen rossum shannon shaw simon snyder sobel steiner stibitz stroustrup sutherland tarjan tesla thompson torvalds tukey turing volta watson watt wiener wilkes wilson wirth yao zuse".split(
    " ",
  );

/** `draw(n)` gives an integer in 0..n-1. */
export const drawName = (draw: (bound: number) => number): string =>
  `${ADJECTIVES[draw(ADJECTIVES.length)]}_${SURNAMES[draw(SURNAMES.length)]}`;

const PATTERN = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** The name without its slash; throws `container.bad_name` with Docker's text. */
export function checkName(name: string): string {
  if (!PATTERN.test(name)) {
    throw invalid(
      "container.bad_name",
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
      {
        details: { name },
      },
    );
  }
  return name.replace(/^\//, "");
}
