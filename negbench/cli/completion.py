"""`completion`: the script by which a shell completes commands, options and names on Tab."""

import click
from click.shell_completion import get_completion_class

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.errors import UserError, did_you_mean

INSTALL = {
    "bash": """echo 'eval "$(negbench completion bash)"' >> ~/.bashrc""",
    "zsh": """echo 'eval "$(negbench completion zsh)"' >> ~/.zshrc""",
    "fish": "negbench completion fish > ~/.config/fish/completions/negbench.fish",
}
"""The line that installs the completion for each shell; it holds in the next shell."""
LISTS_IN_FISH = ('string split ","', 'string split --max 1 ","')
"""click's script for fish cuts what it is given at each comma, which would lose `a,b` of a list."""
PROGRAM, VARIABLE = "negbench", "_NEGBENCH_COMPLETE"
"""What is completed, and what click looks for when the script asks it for words."""


@command(
    examples={
        "how to install it, for each shell": "negbench completion",
        "the script for bash": "negbench completion bash",
    }
)
@click.argument("shell", required=False, shell_complete=tab_words.either(*INSTALL))
def completion(shell: str | None) -> None:
    """Completion of commands, options and names on Tab, for bash (4.4 or newer), zsh and fish.

    Without SHELL the line that installs it for each; with bash, zsh or fish its script. In ~/.zshrc
    it stands below compinit.

    \f
    Raises UserError for another shell.
    """
    if shell is None:
        for name, line in INSTALL.items():
            click.echo(f"{name:5} {line}")
        return
    if shell not in INSTALL:
        near = did_you_mean(shell, list(INSTALL))
        raise UserError(f"the shell must be {', '.join(INSTALL)}; got {shell!r}; {near}")
    context = click.get_current_context().find_root()
    script = get_completion_class(shell)
    assert script is not None, shell
    source = script(context.command, {}, PROGRAM, VARIABLE).source()
    click.echo(source.replace(*LISTS_IN_FISH) if shell == "fish" else source)
