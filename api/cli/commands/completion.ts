/** Scripts for the shells. They know nothing of the commands: each asks `ctr __complete` and takes what comes back. */
import { command } from "../parse/command.ts";
import { StatusError } from "../errors.ts";

const BASH = `# bash completion for ctr: source <(ctr completion bash)
_ctr() {
  # Not COMP_WORDS: bash splits those at ":", which stands in every image name with a tag.
  local line="\${COMP_LINE:0:COMP_POINT}" word text prefix=""
  local -a typed
  read -ra typed <<< "$line"
  [[ "$line" == *[[:space:]] ]] && typed+=("")
  local current="\${typed[\${#typed[@]}-1]}"
  [[ "$COMP_WORDBREAKS" == *:* && "$current" == *:* ]] && prefix="\${current%"\${current##*:}"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r word text; do
    [ -n "$word" ] && COMPREPLY+=("\${word#"$prefix"}")
  done < <("\${typed[0]}" __complete "\${typed[@]:1}" 2>/dev/null)
  [ \${#COMPREPLY[@]} -eq 0 ] && compopt -o default 2>/dev/null
}
complete -F _ctr ctr
`;

const ZSH = `#compdef ctr
# zsh completion for ctr: ctr completion zsh > "\${fpath[1]}/_ctr"
_ctr() {
  local -a found
  local word text
  while IFS=$'\\t' read -r word text; do
    [[ -n "$word" ]] && found+=("\${word//:/\\\\:}:$text")
  done < <(ctr __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe 'ctr' found
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_ctr" ]; then _ctr "$@"; else compdef _ctr ctr; fi
`;

const FISH = `# fish completion for ctr: ctr completion fish > ~/.config/fish/completions/ctr.fish
function __ctr_complete
  set -l words (commandline -opc) (commandline -ct)
  ctr __complete $words[2..-1] 2>/dev/null
end
complete -c ctr -a '(__ctr_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export const completion = command({
  synopsis: "SHELL",
  summary: "Print the completion script for bash, zsh or fish",
  flags: {},
  args: { min: 1, max: 1 },
  run: async ({ context, args }) => {
    const script = SCRIPTS[args[0] ?? ""];
    if (script === undefined)
      throw new StatusError(1, `unknown shell ${JSON.stringify(args[0])}: must be one of bash, zsh, fish`);
    await context.stdout.write(script);
    return 0;
  },
});
