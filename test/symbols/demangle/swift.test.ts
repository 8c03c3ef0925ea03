// Swift's names. What is expected of each is what Apple's demangler prints, less
// types, generic arguments, modules of extensions and marks of files.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { demangle } from "../../../symbols/demangle/demangle.ts";

describe("a name of Swift", () => {
  it.each([
    ["$s4main3fooyyF", "main.foo()"],
    ["_$s4main3fooyyF", "main.foo()"],
    ["$S4main3fooyyF", "main.foo()"],
    // Labels, words of names before, and the standard library's types.
    ["$ss5print_9separator10terminatoryypd_S2StF", "Swift.print(_:separator:terminator:)"],
    ["$s5Synth0A6EngineC0A7SynthesyyF", "Synth.SynthEngine.SynthSynthes()"],
    ["$sSS9hasSuffixySbSSF", "Swift.String.hasSuffix(_:)"],
    ["$sSa6appendyyxnF", "Swift.Array.append(_:)"],
    ["$sSo17OS_dispatch_queueC4sync7executeyyyXE_tF", "__C.OS_dispatch_queue.sync(execute:)"],
    ["$s5Synth6EngineC8onChangeyyySi_SStcF", "Synth.Engine.onChange(_:)"],
    ["$s4test6testitySiyt_tF", "test.testit(_:)"],
    // Variables and elements.
    ["$s5Synth6EngineC10sampleRateSdvg", "Synth.Engine.sampleRate.getter"],
    ["$s5Synth6EngineC10sampleRateSdvs", "Synth.Engine.sampleRate.setter"],
    ["$s5Synth6EngineC10sampleRateSdvM", "Synth.Engine.sampleRate.modify"],
    ["$s5Synth4BankC7presetsSayAA6PresetVGvW", "Synth.Bank.presets.didset"],
    ["$s5Synth6EngineC6sharedACvau", "Synth.Engine.shared.unsafeMutableAddressor"],
    ["$s5Synth6EngineC6sharedACvgZ", "static Synth.Engine.shared.getter"],
    ["$s5Synth6EngineC6shared_WZ", "one-time initialization function for Synth.Engine.shared"],
    ["$s5Synth6EngineCyS2icig", "Synth.Engine.subscript(_:).getter"],
    ["$s5Synth5ThingV4bodyQrvg", "Synth.Thing.body.getter"],
    // What makes and ends things. A class has two of each.
    ["$s5Synth6EngineC4nameACSS_tcfC", "Synth.Engine.__allocating_init(name:)"],
    ["$s5Synth6EngineC4nameACSS_tcfc", "Synth.Engine.init(name:)"],
    ["$s5Synth4ModeO8rawValueACSgSS_tcfC", "Synth.Mode.init(rawValue:)"],
    ["$s5Synth6EngineCfD", "Synth.Engine.__deallocating_deinit"],
    ["$s5Synth6EngineCfd", "Synth.Engine.deinit"],
    ["$s5Synth6EngineC5valueSivpfi", "variable initialization expression of Synth.Engine.value"],
    ["$s5Synth4makeyySi_SStFfA0_", "default argument 1 of Synth.make(_:_:)"],
    // Closures and what is local.
    ["$s5Synth6EngineC6renderyyFyycfU_", "closure #1 in Synth.Engine.render()"],
    ["$s5Synth6EngineC6renderyyFyycfU_yycfU0_", "closure #2 in closure #1 in Synth.Engine.render()"],
    ["$s5Synth6EngineC6renderyyF4helpL_yySiF", "help #1(_:) in Synth.Engine.render()"],
    ["$s5Synth6EngineC6renderyyF5InnerL_V3runyyF", "Inner #1.run() in Synth.Engine.render()"],
    ["$s5Synth6EngineC6render33_0E4228093681F6920F0AB2E48B4F1C69LLyyF", "Synth.Engine.render()"],
    // Operators.
    ["$s5Synth6VectorV1poiyA2C_ACtFZ", "static Synth.Vector.+ infix(_:_:)"],
    // Generics and extensions.
    ["$s5Synth4pickyxSayxG_SbxXEtSHRzlF", "Synth.pick(_:_:)"],
    ["$s5Synth4sortyyxzSLRzSlRzlF", "Synth.sort(_:)"],
    ["$s4Test5ProtoP8IteratorV10collectionAEy_qd__Gqd___tcfc", "Test.Proto.Iterator.init(collection:)"],
    ["$s4test3fooV4blahyAA1SV1fQryFQOy_Qo_AHF", "test.foo.blah(_:)"],
    ["$s10Foundation15AttributeScopesO7SwiftUIE05swiftE0AcDE0D12UIAttributesVmvg", "Foundation.AttributeScopes.swiftUI.getter"],
    ["$s10Foundation11MeasurementV12SimulatorKitSo9UnitAngleCRszlE11OrientationO2eeoiySbAcDEAGOyAF_G_AKtFZ", "static Foundation.Measurement.Orientation.== infix(_:_:)"],
    // What leads to functions and what is made of them.
    ["$s5Synth6EngineC5value3forSiSS_tKFTo", "@objc Synth.Engine.value(for:)"],
    ["$s5Synth6EngineC6renderyyFyycfU_TA", "partial apply for closure #1 in Synth.Engine.render()"],
    ["$s3abc6testityySiFTm", "merged abc.testit(_:)"],
    ["$s5Synth6EngineCAA8PlayableA2aDP4playyyFTW", "protocol witness for Synth.Playable.play() in conformance Synth.Engine"],
    ["$s4Test6testityyxlFAA8MystructV_TB5", "specialized Test.testit(_:)"],
    ["$s5Synth6EngineC6renderyyFySicfU_Tf4d_n", "specialized closure #1 in Synth.Engine.render()"],
    ["$s4main6testityyYaFTY0_", "(1) suspend resume partial function for main.testit()"],
    ["$s4main6testityyYaKFTQ1_", "(2) await resume partial function for main.testit()"],
    ["$s5Synth6EngineCMa", "type metadata accessor for Synth.Engine"],
    ["$s5Synth6EngineCWOc", "outlined init with copy of Synth.Engine"],
    ["$ss8RepeatedVyxSicir.resume.0", "Swift.Repeated.subscript(_:).read [clone .resume.0]"],
    ["$s5Synth6EngineC6renderyyF.cold.1", "Synth.Engine.render() [clone .cold.1]"],
    // Data, and what is not read.
    ["$s5Synth6EngineCN", null],
    ["$s5Synth6EngineCMn", null],
    ["$s4main6testityyYaFTu", null],
    ["$s8mangling0012vergenza_JFayyF", null],
    ["$s3red4testyAA3ResOyxSayq_GAEs5ErrorAAq_sAFHD1__HCg_GADyxq_GsAFR_r0_lF", null],
    // No names, however near.
    ["$s4main3foo", null],
    ["$s4main3fooyyFyy", null],
    ["$s4main30fooyyF", null],
    ["$s4main3fooyyF constructor", null],
    ["$snope", null],
  ])("%s", (name, expected) => {
    expect(demangle(name)).toBe(expected);
  });
});

describe("a name that was made up", () => {
  const pieces = fc.constantFrom("4main", "3foo", "0A3Bar", "y", "_", "Si", "SS", "Sg", "A2a", "AB", "AaC", "C", "V", "O", "P", "F", "G", "t", "x", "q_", "z", "K", "c", "vg", "fC", "fU_", "L_", "LL", "TA", "Tg5", "Qz", "Rz", "l", "r0_l", "E", "Z", "S99i", "A9999a", "oi", "WZ", "TW");
  it("is read or not, and never throws", () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        const text = demangle(`$s${parts.join("")}`);
        return text === null || text.length > 0;
      }),
      { numRuns: 5000 },
    );
  });
  it.each([
    ["many of one type", `$s4main3fooy${"S999999i".repeat(1000)}tF`],
    ["many of one before", `$s4main1AV${"A999999C".repeat(1000)}F`],
    ["types in types in types", `$s4main${"1aV".repeat(5000)}3fooyyF`],
    ["a number of many digits", `$s${"9".repeat(10_000)}a`],
    ["closures in closures", `$s4main3fooyyF${"yycfU_".repeat(2500)}`],
  ])("costs little: %s", (_, name) => {
    const started = performance.now();
    demangle(name);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
