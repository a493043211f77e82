#compdef parley
# Completion of parley's words in zsh. It belongs in a folder of $fpath, under the name _parley.
_parley() {
	local -a lines described
	lines=("${(@f)$("${words[1]}" complete-words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	described=("${(@)${(@)${(@)lines:#}//:/\\:}/$'\t'/:}")
	if ((${#described})); then
		_describe 'parley' described
	else
		_files
	fi
}
if [ "$funcstack[1]" = _parley ]; then _parley "$@"; else compdef _parley parley; fi
