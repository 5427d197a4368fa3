# The two commands of the README. tools/dev has more.
.PHONY: demo test
demo:
	@tools/dev demo
test:
	@tools/dev test
