/** How `sepal completion words` says that names of files fit, too. */
export const FILES = ':files';

/**
 * What a shell reads to complete words of `sepal`. All of them ask `sepal` itself, so that a script stays right when commands
 * change.
 */
export const SCRIPTS = {
  bash: `# sepal in bash: eval "$(sepal completion bash)", or put this into /etc/bash_completion.d/sepal
_sepal() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = "${FILES}" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <(sepal completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _sepal sepal
`,
  zsh: `#compdef sepal
# sepal in zsh: source <(sepal completion zsh) behind compinit, or put this into a folder of $fpath as _sepal
_sepal() {
  local line
  local -a found
  for line in "\${(@f)$(sepal completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ "$line" == "${FILES}" ]]; then
      _files
    elif [[ -n "$line" ]]; then
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  (( \${#found} )) && _describe 'sepal' found
}
compdef _sepal sepal
`,
  fish: `# sepal in fish: sepal completion fish | source, or put this into ~/.config/fish/completions/sepal.fish
function __sepal_complete
  set -l typed (commandline -opc)[2..-1] (commandline -ct)
  for line in (sepal completion words -- $typed 2>/dev/null)
    if test "$line" = "${FILES}"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c sepal -f -a '(__sepal_complete)'
`,
} as const;
