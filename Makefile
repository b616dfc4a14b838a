# The commands a person types. Plain `make` lists them.
.DEFAULT_GOAL := help
help: ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'
