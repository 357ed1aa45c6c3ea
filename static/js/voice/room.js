// Owns: a LiveKit room as a call: joining, the microphone in it, the agent's sound. Captions and states
// come over the conversation's own socket, so none of the room's are listened to.

const TRIES_MS = 15_000;

/** Load livekit-client once; it is a classic script that leaves one global. */
function loadClient(url) {
  if (window.LivekitClient) return Promise.resolve(window.LivekitClient);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", () => resolve(window.LivekitClient));
    script.addEventListener("error", () => reject(Object.assign(new Error("room_client_missing"), { code: "room_client_missing" })));
    document.head.append(script);
  });
}

export class RoomCall extends EventTarget {
  #clientUrl;
  #room = null;
  #sounds = new Set();

  /** @param {string} clientUrl address of livekit-client */
  constructor(clientUrl) {
    super();
    this.#clientUrl = clientUrl;
  }

  get isBlocked() { return Boolean(this.#room && !this.#room.canPlaybackAudio); }

  /** @throws {Error} with code room_client_missing, room_unreachable or room_refused */
  async join(url, token, { deviceId, isMuted }) {
    const { Room, RoomEvent, Track, ConnectionError } = await loadClient(this.#clientUrl);
    const room = new Room({
      adaptiveStream: false, disconnectOnPageLeave: true,
      audioCaptureDefaults: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(deviceId && { deviceId }) },
    });
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind !== Track.Kind.Audio) return;
      const sound = track.attach();
      this.#sounds.add(sound);
      sound.hidden = true;
      document.body.append(sound);
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => this.#drop(track.detach()));
    room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => this.#tell("playing", speakers.some((one) => !one.isLocal)));
    room.on(RoomEvent.AudioPlaybackStatusChanged, () => this.#tell("blocked"));
    room.on(RoomEvent.Reconnecting, () => this.#tell("problem", { code: "room_reconnecting" }));
    room.on(RoomEvent.Reconnected, () => this.#tell("problem", { code: "" }));
    room.on(RoomEvent.Disconnected, () => this.#tell("problem", { code: this.#room ? "room_left" : "" }));
    try {
      await room.connect(url, token, { peerConnectionTimeout: TRIES_MS });
    } catch (error) {
      const isRefused = error instanceof ConnectionError && error.status >= 400 && error.status < 500;
      throw Object.assign(error, { code: isRefused ? "room_refused" : "room_unreachable" });
    }
    this.#room = room;
    await room.localParticipant.setMicrophoneEnabled(!isMuted);
  }

  mute(isMuted) {
    this.#room?.localParticipant.setMicrophoneEnabled(!isMuted);
  }

  async useDevice(deviceId) {
    await this.#room?.switchActiveDevice("audioinput", deviceId);
  }

  async unblock() {
    await this.#room?.startAudio();
  }

  leave() {
    const room = this.#room;
    this.#room = null;
    this.#drop([...this.#sounds]);
    room?.disconnect();
  }

  #drop(elements) {
    for (const element of elements) {
      this.#sounds.delete(element);
      element.remove();
    }
  }

  #tell(name, detail = undefined) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
