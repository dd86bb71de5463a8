/** Scripts for the shells. They know nothing of the commands: each asks `ctr __complete` and takes what comes back. */
import { command } from "../parse/command.ts";
import { StatusError } from "../errors.ts";

const BASH = `# bash completion for ctr: source <(ctr completion bash)
_ctr() {
  local word line
  COMPREPLY=()
  while IFS=$'\\t' read -r word line; do
    [ -n "$word" ] && COMPREPLY+=("$word")
  done < <(ctr __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ \${#COMPREPLY[@]} -eq 0 ]; then
    compopt -o default
  else
    # ":" splits words in bash: an image's tag is completed without what stands before it.
    local current="\${COMP_WORDS[COMP_CWORD]}" i
    type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions "$current"
  fi
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
