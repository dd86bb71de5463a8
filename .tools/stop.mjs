// `npm stop [-- --exec-root DIR]`: stops the daemon that listens on the socket. Containers go on running.
import { answers, listenerPid, placesOf, stopDaemon } from "./daemon.mjs";
import { main, say, SetupError } from "./setup.mjs";

await main(async () => {
  const places = placesOf(process.argv.slice(2));
  const pid = listenerPid(places);
  if (pid === undefined) {
    if (await answers(places.socket))
      throw new SetupError(`something answers on ${places.socket}, but its process cannot be found`);
    return say(`no daemon is listening on ${places.socket}`);
  }
  await stopDaemon(pid);
  say(`stopped the daemon (pid ${pid}); containers go on running`);
});
