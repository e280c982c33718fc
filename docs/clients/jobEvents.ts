/** Follows a Darkroom job as it goes on, over lost connections too. Generated clients have the events only at the end. */
export async function* jobEvents(server: string, jobId: string): AsyncGenerator<{ name: string; data: any }> {
  let last: string | undefined;
  while (true) {
    const answer = await fetch(`${server}/v1/jobs/${jobId}/events`, {
      headers: last === undefined ? {} : { "Last-Event-ID": last },
    });
    if (answer.status === 204) return; // nothing more will come
    if (!answer.ok || !answer.body) throw new Error(`the events are answered with status ${answer.status}`);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const part = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (part.done) break;
      text += part.value;
      const events = text.split("\n\n");
      text = events.pop()!;
      for (const event of events) {
        const field = (name: string) => event.match(new RegExp(`^${name}: ?(.*)$`, "m"))?.[1];
        const name = field("event");
        if (name === undefined) continue; // a comment, so that the connection stays open
        last = field("id");
        yield { name, data: JSON.parse(field("data")!) };
      }
    }
    await new Promise((resume) => setTimeout(resume, 1000));
  }
}
