# zsh_offers.zsh DIRECTORY LINE: prints what zsh offers for LINE, with the completions of DIRECTORY.
zmodload zsh/zpty
offers=$(mktemp)
zpty shell "zsh -f -i"
zpty -w shell "PS1=; fpath=(${(q)1} \$fpath); autoload -U compinit; compinit -D -u
compadd () {
	local -a matches
	if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
		builtin compadd -A matches \"\$@\"
		print -rl -- \$matches >>${(q)offers}
	fi
	builtin compadd \"\$@\"
}
finish () { compstate[list]=; compstate[insert]=; print -r -- END >>${(q)offers} }
comppostfuncs=(finish)
bindkey '^I' complete-word"
zpty -w -n shell "$2"$'\t'
until grep -qx END $offers; do
	zpty -r shell line '*' || break
done
zpty -d shell
grep -vx -e END -e '' $offers
rm -f $offers
