# Completion of parley's words in fish. It belongs in ~/.config/fish/completions/parley.fish
function __parley_words
	set -l words (commandline -opc) (commandline -ct)
	$words[1] complete-words -- $words[2..-1] 2>/dev/null
end
complete -c parley -f -n 'count (__parley_words) >/dev/null' -a '(__parley_words)' # where it knows none: names of files
