# Completion of parley's words in bash. To have it in this shell: source <(parley completion bash)
_parley() {
	local word
	COMPREPLY=()
	while IFS= read -r word; do
		COMPREPLY+=("${word%%$'\t'*}")
	done < <("${COMP_WORDS[0]}" complete-words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	if ((${#COMPREPLY[@]} == 0)); then compopt -o default 2>/dev/null; fi # names of files
	return 0
}
complete -F _parley parley
