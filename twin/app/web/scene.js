// The scene as an element of the app's page: mounts the viewer, gives it answers, and says what was picked.
"use strict";

window.twinApp = {
  install(app) {
    app.component("twin-scene", {
      props: { page: String, answer: Object, readings: Object, chosen: String },
      emits: ["pick"],
      render() { return Vue.h("div", { class: "twin-host" }); },
      mounted() { this.open(); },
      beforeUnmount() { if (this.viewer) this.viewer.destroy(); },
      watch: {
        answer() { this.show(); },
        readings() { this.tell(); },
        chosen() { this.select(); },
      },
      methods: {
        async open() {
          this.$el.innerHTML = this.page;
          this.viewer = await twinScene(this.$el.querySelector(".twin-scene"));
          this.viewer.onselect = (name) => { this.picked = name; this.$emit("pick", name); };
          this.show();
          this.tell();
          this.select();
        },
        show() { if (this.viewer && this.answer) this.viewer.answer(this.answer); },
        tell() { if (this.viewer && this.readings && this.readings.kW.length) this.viewer.tell(this.readings); },
        select() {
          if (!this.viewer || this.chosen === this.picked) return;
          this.picked = this.chosen;
          this.viewer.look(this.chosen || "");
        },
      },
    });
  },
};
