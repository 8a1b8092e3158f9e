// A short tone and a vibration for a new alarm. Browsers allow both only after a tap, so they are off until then.

let audio = null;

export const isOn = () => audio !== null;

/** Switches sound on or off; call it from a tap. Plays a quiet sample when switched on. */
export function toggle() {
  if (audio) {
    audio.close();
    audio = null;
    return;
  }
  audio = new AudioContext();
  tone(0, 660, 0.08);
}

/** Two tones; three for the most severe. Silent while switched off. */
export function ring(severity) {
  if (!audio) return;
  const tones = severity === "critical" ? 3 : 2;
  for (let place = 0; place < tones; place++) tone(place * 0.22, place % 2 ? 660 : 880, 0.25);
  navigator.vibrate?.(Array(tones).fill(200).flatMap((length) => [length, 100]));
}

function tone(delay, hertz, loudness) {
  const start = audio.currentTime + delay;
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(loudness, start + 0.02);
  gain.gain.linearRampToValueAtTime(0, start + 0.18);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.2);
}
