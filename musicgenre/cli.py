"""The command line: ``musicgenre data | features | replicate | report``.

Heavy packages are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from musicgenre.errors import DivergenceError, MusicGenreError, SettingsError
from musicgenre.settings import Profile

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Replicate five papers on music genre classification, and test their claims on honest splits.\n\n"
    "Every command takes its data from the folder --data, or from MUSICGENRE_DATA. The built-in corpus `synthetic` needs no data.",
)
data_app = typer.Typer(no_args_is_help=True, help="Fetch a corpus, check its files, or describe what is there.")
app.add_typer(data_app, name="data")

DataOption = Annotated[
    Path | None, typer.Option("--data", "-d", help="Folder of real data.", envvar="MUSICGENRE_DATA", exists=True, file_okay=False)
]
CorpusArgument = Annotated[str, typer.Argument(help="synthetic, gtzan, fma_small, or a folder with one subfolder a genre.")]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Worker processes; 0 uses every core.")]

CONNECT_S = 10  # to wait for a Dask scheduler, and for its workers


def main() -> None:
    """Run the command line; errors that a user can mend are printed in one line."""
    try:
        app()
    except (MusicGenreError, OSError) as error:  # OSError: a folder of records or of the cache that cannot be written
        typer.secho(f"musicgenre: {error}", fg="red", err=True)
        raise SystemExit(1) from None


@data_app.command()
def fetch(
    corpus: Annotated[str, typer.Argument(help="gtzan, gtzan-mini (a few real clips) or fma_small.")],
    folder: Annotated[Path, typer.Argument(help="Where to put it; a download that was stopped goes on from there.")],
) -> None:
    """Download a corpus, check its hash and unpack it."""
    from musicgenre.corpora import fma, gtzan

    fetchers = {"gtzan": gtzan.fetch, "gtzan-mini": lambda to: gtzan.fetch(to, version="mini"), "fma_small": fma.fetch}
    if corpus not in fetchers:
        raise SettingsError(f"cannot fetch {corpus!r}; use one of {', '.join(fetchers)}")
    typer.echo(f"{corpus} is in {fetchers[corpus](folder)}")


@data_app.command()
def check(
    corpus: CorpusArgument,
    data: DataOption = None,
    jobs: JobsOption = 0,
    min_duration: Annotated[float, typer.Option(min=0, help="Seconds; a shorter clip cannot be used.")] = 29.0,
) -> None:
    """Read every file of a corpus and print those that are damaged, short or silent, or wrongly named, with the reason.

    Ends with status 1 where a clip cannot be used.
    """
    from musicgenre import corpora
    from musicgenre.corpora.check import describe

    clips = corpora.load(corpus, data)
    for reason, group in clips.excluded.groupby("reason"):
        some = ", ".join(group.index[:3]) + (f" and {len(group) - 3} more" if len(group) > 3 else "")
        typer.echo(f"left out   {some}: {reason}")
    found = describe(clips, min_duration_s=min_duration, n_jobs=jobs or -1)
    for track_id, row in found[found["status"] != "ok"].iterrows():
        typer.echo(f"{row['status']:10s} {track_id}: {row['reason']}")
    counts = found["status"].value_counts()
    unusable, notes = counts.get("unusable", 0), counts.get("note", 0)
    typer.echo(f"{clips.name}: {len(clips)} clips, {unusable} unusable, {notes} with notes, {len(clips.excluded)} left out")
    if unusable:
        raise typer.Exit(1)


@data_app.command()
def info(corpus: CorpusArgument, data: DataOption = None) -> None:
    """Describe a corpus: clips, artists and known faults for each genre."""
    from musicgenre import corpora

    clips = corpora.load(corpus, data).clips
    table = clips.groupby("genre").agg(clips=("genre", "size"), artists=("artist", "nunique"), faulty=("fault", "count"))
    table.loc["all"] = [len(clips), clips["artist"].nunique(), clips["fault"].count()]
    typer.echo(table.to_string())


@app.command()
def features(
    feature: Annotated[str, typer.Argument(help="log_mel, mfcc, vector57 or mel_image.")],
    corpus: CorpusArgument = "synthetic",
    data: DataOption = None,
    parameter: Annotated[list[str] | None, typer.Option("--parameter", "-p", help="A parameter of the feature, as NAME=VALUE.")] = None,
    jobs: JobsOption = 0,
    dask: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786; needs the extra `cluster`.")
    ] = None,
) -> None:
    """Extract a feature of every clip into the feature store; finish what was begun before.

    Ends with status 1 where no clip can be used.
    """
    from musicgenre import corpora
    from musicgenre.features import store

    made, clips = _feature(feature, parameter or []), corpora.load(corpus, data)
    with _cluster(dask) if dask else nullcontext():
        result = store.extract(clips, made, n_jobs=jobs or -1)
    for track_id, reason in result.failures["reason"].items():
        typer.echo(f"failed {track_id}: {reason}", err=True)
    typer.echo(f"{len(result.corpus) - len(result.failures)} clips done, {len(result.failures)} failed: {result.folder}")
    if len(result.failures) == len(result.corpus):
        raise typer.Exit(1)


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    """Send joblib's work to the workers of a Dask cluster."""
    from concurrent.futures import CancelledError

    import joblib

    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError:
        raise SettingsError("--dask needs the extra `cluster`; install it with: pip install -e '.[cluster]'") from None
    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise SettingsError(f"--dask {address}: no Dask scheduler answers there ({error}); start one with: dask scheduler") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            raise SettingsError(f"--dask {address}: the scheduler has no workers; start some with: dask worker {address}") from None
        try:
            with joblib.parallel_config(backend="dask"):
                yield
        except (OSError, CancelledError, KilledWorker) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__  # one that was cancelled has no text
            raise MusicGenreError(f"--dask {address}: stopped ({reason}); give the command again, and it goes on from there") from None


def _feature(name: str, parameters: list[str]):
    from musicgenre.features import LogMel, MelImage, Mfcc, Vector57

    kinds = {kind.name: kind for kind in (LogMel, Mfcc, Vector57, MelImage)}
    if name not in kinds:
        raise SettingsError(f"unknown feature {name!r}; use one of {', '.join(kinds)}")
    known_names = [field.name for field in dataclasses.fields(kinds[name])]
    values = {}
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key not in known_names:
            raise SettingsError(f"--parameter {parameter}: {name} has no {key!r}; use one of {', '.join(known_names)}")
        try:
            parsed = json.loads(value)
        except ValueError:
            raise SettingsError(f"--parameter {parameter}: give NAME=VALUE, such as n_mels=64 or segment_s=null") from None
        values[key] = tuple(parsed) if isinstance(parsed, list) else parsed
    return kinds[name](**values)


@app.command()
def replicate(
    paper: Annotated[str | None, typer.Argument(help="A paper, such as demarco_2024; or --all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All papers and baselines.")] = False,
    experiment: Annotated[list[str] | None, typer.Option("--experiment", "-e", help="Only these experiments.")] = None,
    protocol: Annotated[list[str] | None, typer.Option("--protocol", "-p", help="Only these rungs of the leak ladder.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of seeds, counted from 0 (default: 10 where a run is short, else 3).")
    ] = None,
    profile: Annotated[
        Profile, typer.Option(envvar="MUSICGENRE_PROFILE", help="smoke: built-in corpus; lite: long hop; full: audio.")
    ] = Profile.SMOKE,
    data: DataOption = None,
    results: Annotated[Path | None, typer.Option(help="Folder of the run records (default: book/results, or the cache for smoke).")] = None,
    force: Annotated[bool, typer.Option(help="Run again what is recorded already.")] = False,
) -> None:
    """Run the experiments of a paper and write a record of each run.

    Runs that are recorded are skipped; a run that was stopped goes on from its last epoch.
    """
    from tqdm.auto import tqdm

    from musicgenre import experiments, papers, runs

    if everything == bool(paper):
        raise SettingsError("name one paper, or give --all")
    chosen = [
        found
        for name in (experiments.PAPERS if everything else (paper,))
        for found in ([experiments.get(name, wanted) for wanted in experiment] if experiment else experiments.of_paper(name).values())
    ]
    folder = results or runs.results_folder(profile)
    todo = runs.plan(chosen, protocols=protocol, seeds=seeds)
    missing = [job for job in todo if force or not job.recorded(folder, profile)]
    diverged = 0
    with tqdm(missing, initial=len(todo) - len(missing), total=len(todo), unit="run", disable=None) as bar:
        for job in bar:
            bar.set_description(str(job))

            def show(epoch: int, history: dict) -> None:
                bar.set_postfix(epoch=epoch, val_loss=f"{history['val_loss'][-1]:.3f}")

            load = partial(job.experiment.dataset, profile, data)
            where = {"seed": job.seed, "fold": job.fold, "profile": profile, "folder": folder}
            try:
                made, _ = runs.replicate(job.experiment, load, job.protocol, **where, force=force, on_epoch=show)
            except DivergenceError as error:  # a finding about this run, and no reason to leave out the others
                diverged += 1
                tqdm.write(f"{job}: no record: {error}")
                continue
            segment, track = (made["scores"][level]["accuracy"] for level in ("segment", "track"))
            tqdm.write(f"{job}: segments {segment:.1%}, tracks {track:.1%}, {made['wall_time_s']:.0f} s")
    typer.echo(f"{len(todo) - diverged} of {len(todo)} runs are recorded in {folder}")
    if paper in papers.PAPERS:
        place = f" --results {results}" if results else ""
        typer.echo(f"To see them beside the paper's: musicgenre report {paper} --profile {profile}{place}")
    if diverged:
        raise typer.Exit(1)


@app.command()
def report(
    paper: Annotated[str | None, typer.Argument(help="A paper; all papers if left out.")] = None,
    profile: Annotated[Profile, typer.Option(envvar="MUSICGENRE_PROFILE", help="Records of this profile.")] = Profile.LITE,
    results: Annotated[
        Path | None,
        typer.Option(help="Folder of the run records (default: book/results, or the cache for smoke).", exists=True, file_okay=False),
    ] = None,
) -> None:
    """Print each paper's table beside ours, and the verdict on each claim."""
    from musicgenre import papers, tables

    for name in (paper,) if paper else papers.PAPERS:
        typer.echo(tables.report(papers.read(name), profile=profile, folder=results))


if __name__ == "__main__":
    main()
