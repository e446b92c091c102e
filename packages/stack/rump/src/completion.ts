/** Completion scripts: each asks `rump __complete LINE`, which knows commands, options, and paths on this machine and in images. */
import { UsageError } from './errors.js';

const BASH = `# rump completion for bash: source <(rump completion bash)
_rump() {
  local line="\${COMP_LINE:0:COMP_POINT}"
  local word="\${line##* }"
  mapfile -t COMPREPLY < <(rump __complete "$line" 2>/dev/null)
  # bash replaces what stands behind the last colon only.
  if [[ "$word" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    local head="\${word%"\${word##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$head"}")
  fi
  if [[ "\${#COMPREPLY[@]}" -eq 1 && "\${COMPREPLY[0]}" == *[/:] ]]; then compopt -o nospace; fi
}
complete -F _rump rump
`;

const ZSH = `#compdef rump
# rump completion for zsh: source <(rump completion zsh)
_rump() {
  local -a found
  found=("\${(@f)$(rump __complete "\${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  local -a open=(\${(M)found:#*[/:]}) whole=(\${found:#*[/:]})
  (( \${#open} )) && compadd -U -S '' -- "\${open[@]}"
  (( \${#whole} )) && compadd -U -- "\${whole[@]}"
}
if [[ "$funcstack[1]" == _rump ]]; then _rump "$@"; else compdef _rump rump; fi
`;

const FISH = `# rump completion for fish: rump completion fish | source
complete -c rump -f -a '(rump __complete (commandline -cp) 2>/dev/null)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** UsageError: there is none for this shell. */
export function completionScript(shell: string): string {
  if (!Object.hasOwn(SCRIPTS, shell)) throw new UsageError(`shell ${shell}: is bash, zsh or fish`);
  return SCRIPTS[shell] as string;
}
