// What each shell is told to do: ask `berth __complete` with the words so far, and offer the lines that it prints.

export type Shell = "bash" | "zsh" | "fish";

export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

// bash parts words at : and = too, as image names and flags have them; what it calls the current word begins behind the last one.
const BASH = String.raw`# bash completion for berth: eval "$(berth completion bash)"
_berth() {
    local line=${"$"}{COMP_LINE:0:COMP_POINT} current candidate behind=''
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    current=${"$"}{words[${"$"}{#words[@]}-1]}
    [[ $current == *[:=]* ]] && behind=${"$"}{current%"${"$"}{current##*[:=]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == :file ]]; then
            compopt -o default
            return
        fi
        COMPREPLY+=("${"$"}{candidate#"$behind"}")
    done < <("$1" __complete -- "${"$"}{words[@]:1}" 2>/dev/null)
}
complete -F _berth berth
`;

const ZSH = String.raw`#compdef berth
# zsh completion for berth: eval "$(berth completion zsh)", or this text as _berth in a folder of $fpath
_berth() {
    local line
    local -a lines found
    lines=("${"$"}{(@f)$("${"$"}{words[1]}" __complete -- "${"$"}{(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    for line in $lines; do
        if [[ $line == :file ]]; then
            _files
            return
        fi
        if [[ $line == *$'\t'* ]]; then
            found+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}")
        else
            found+=("${"$"}{line//:/\\:}")
        fi
    done
    _describe -V 'berth' found
}
if [[ ${"$"}{funcstack[1]} == _berth ]]; then
    _berth "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _berth berth
fi
`;

const FISH = String.raw`# fish completion for berth: berth completion fish | source
function __berth_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test "$found[1]" = ':file'
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c berth -f -a '(__berth_complete)'
`;

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
