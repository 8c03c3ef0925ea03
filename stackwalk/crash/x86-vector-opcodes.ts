// Opcodes of x86 and amd64 on vector registers: SSE, AVX and the part of
// AVX-512 that C libraries and compilers use (Intel's Software Developer's
// Manual, volume 2; yaxpeax's names).
//
// A row is an opcode in hexadecimal and, between semicolons, what it is without
// a prefix, with 66, with f3 and with f2; `-` where it is nothing. In the
// operands, beside the letters of x86-opcodes.ts:
//   V  vector register by ModRM.reg; W  vector register or memory by ModRM.rm;
//   N  vector register by ModRM.rm; H  the register that a VEX prefix names
//   P, Q  the same of MMX; K, L  the same of the mask registers; B  the general
//   register that a VEX prefix names
// A size after V, W or H: g is 8 bytes of a vector of 16 and else all; o is 16 bytes whatever the vector's length; h, f, e
// are a half, a fourth, an eighth of it; r a register only; b, w, d, q an element of a register of
// 16 bytes; none is the whole vector.
//
// A star after the name adds H behind the first operand where there is a VEX
// prefix, a tilde only between registers. A name in capitals exists without
// VEX only, one that begins with `v` or `^` with VEX only; any other gets a `v`
// there. By the prefix's W `%` in a name is d or q, `$` is ps or pd, `@` ss or
// sd, `|` w or q, `?` b or d, `!` b or w, `#` 32 or 64, `=` 32x4
// or 64x2, `&` 8 or 16;
// W% in the operands is an element of 4 or 8 bytes.

/** Opcodes after 0f. */
export const vectorRows0f: readonly string[] = [
  "10 movups V,W;movupd V,W;movss~ V,Wd;movsd~ V,Wq", "11 movups W,V;movupd W,V;movss~ Wd,V;movsd~ Wq,V", "12 movlps* V,Wq;movlpd* V,Mq;movsldup;movddup V,Wg",
  "13 movlps Mq,V;movlpd Mq,V", "14 unpcklps*;unpcklpd*", "15 unpckhps*;unpckhpd*", "16 movhps* V,Wq;movhpd* V,Mq;movshdup", "17 movhps Mq,V;movhpd Mq,V",
  "28 movaps;movapd", "29 movaps W,V;movapd W,V", "2a CVTPI2PS V,Q;CVTPI2PD V,Q;cvtsi2ss* Vo,Ey;cvtsi2sd* Vo,Ey", "2b movntps M,V;movntpd M,V",
  "2c CVTTPS2PI P,Wq;CVTTPD2PI P,Wo;cvttss2si Gy,Wd;cvttsd2si Gy,Wq", "2d CVTPS2PI P,Wq;CVTPD2PI P,Wo;cvtss2si Gy,Wd;cvtsd2si Gy,Wq", "2e ucomiss V,Wd;ucomisd V,Wq",
  "2f comiss V,Wd;comisd V,Wq", "50 movmskps Gd,N;movmskpd Gd,N", "51 sqrtps;sqrtpd;sqrtss* V,Wd;sqrtsd* V,Wq", "52 rsqrtps;-;rsqrtss* V,Wd", "53 rcpps;-;rcpss* V,Wd",
  "54 andps*;andpd*", "55 andnps*;andnpd*", "56 orps*;orpd*", "57 xorps*;xorpd*", "58 addps*;addpd*;addss* V,Wd;addsd* V,Wq", "59 mulps*;mulpd*;mulss* V,Wd;mulsd* V,Wq",
  "5a cvtps2pd V,Wh;cvtpd2ps Vo,W;cvtss2sd* V,Wd;cvtsd2ss* V,Wq", "5b cvtdq2ps;cvtps2dq;cvttps2dq", "5c subps*;subpd*;subss* V,Wd;subsd* V,Wq",
  "5d minps*;minpd*;minss* V,Wd;minsd* V,Wq", "5e divps*;divpd*;divss* V,Wd;divsd* V,Wq", "5f maxps*;maxpd*;maxss* V,Wd;maxsd* V,Wq",
  "6c -;punpcklqdq*", "6d -;punpckhqdq*", "6e MOVD P,Ey;movd Vo,Ey", "6f MOVQ P,Q;movdqa;movdqu", "70 PSHUFW P,Q,Ib;pshufd V,W,Ib;pshufhw V,W,Ib;pshuflw V,W,Ib", "77 EMMS ",
  "7c -;haddpd*;-;haddps*", "7d -;hsubpd*;-;hsubps*", "7e MOVD Ey,P;movd Ey,Vo;movq Vo,Wq", "7f MOVQ Q,P;movdqa W,V;movdqu W,V",
  "90 ^kmov| K,L;^kmov? K,L", "91 ^kmov| L,K;^kmov? L,K", "92 ^kmovw K,Rd;^kmovb K,Rd;-;^kmov% K,Ry", "93 ^kmovw Gd,Lr;^kmovb Gd,Lr;-;^kmov% Gy,Lr", "98 ^kortest| K,Lr;^kortest? K,Lr", "99 ^ktest| K,Lr;^ktest? K,Lr",
  "c2 cmpps* V,W,Ib;cmppd* V,W,Ib;cmpss* V,Wd,Ib;cmpsd* V,Wq,Ib", "c4 PINSRW P,Mw,Ib;pinsrw* V,Mw,Ib", "c5 PEXTRW Gd,Qr,Ib;pextrw Gd,N,Ib", "c6 shufps* V,W,Ib;shufpd* V,W,Ib",
  "d0 -;addsubpd*;-;addsubps*", "d6 -;movq Wq,V", "d7 PMOVMSKB Gd,Qr;pmovmskb Gd,N", "e6 -;cvttpd2dq Vo,W;cvtdq2pd V,Wh;cvtpd2dq Vo,W", "e7 MOVNTQ M,P;movntdq M,V", "f0 -;-;-;lddqu V,M",
  "f7 MASKMOVQ P,Qr;maskmovdqu V,N",
]; // prettier-ignore

/** Names that exist on MMX registers without a prefix and on vectors with 66, from the opcode on; a dash for one that has a row above. */
export const pairedNames: readonly (readonly [opcode: number, names: string])[] = [
  [0x60, "punpcklbw punpcklwd punpckldq packsswb pcmpgtb pcmpgtw pcmpgtd packuswb punpckhbw punpckhwd punpckhdq packssdw"],
  [0x74, "pcmpeqb pcmpeqw pcmpeqd"],
  [0xd4, "paddq pmullw - - psubusb psubusw pminub pand paddusb paddusw pmaxub pandn pavgb"],
  [0xe3, "pavgw pmulhuw pmulhw - - psubsb psubsw pminsw por paddsb paddsw pmaxsw pxor"],
  [0xf4, "pmuludq pmaddwd psadbw - psubb psubw psubd psubq paddb paddw paddd"],
];

/** Shifts whose count is in a register of 16 bytes. */
export const shiftNames: { readonly [opcode: number]: string } = { 0xd1: "psrlw", 0xd2: "psrld", 0xd3: "psrlq", 0xe1: "psraw", 0xe2: "psrad", 0xf1: "psllw", 0xf2: "pslld", 0xf3: "psllq" };

/** Shifts by a number, by opcode and ModRM.reg. */
export const shiftGroups: { readonly [opcode: number]: readonly string[] } = {
  0x71: ["", "", "psrlw", "", "psraw", "", "psllw", ""],
  0x72: ["", "", "psrld", "", "psrad", "", "pslld", ""],
  0x73: ["", "", "psrlq", "psrldq", "", "", "psllq", "pslldq"],
};

const fused = ["madd", "msub", "nmadd", "nmsub"];

/** Fused multiply and add in its three orders: v[n]m{add,sub}{132,213,231}. */
function fusedRows(): string[] {
  return ["132", "213", "231"].flatMap((order, block) => {
    const first = 0x96 + block * 0x10;
    const alternating = [`${first.toString(16)} -;vfmaddsub${order}$* V,W`, `${(first + 1).toString(16)} -;vfmsubadd${order}$* V,W`];
    const rest = fused.flatMap((name, number) => [
      `${(first + 2 + number * 2).toString(16)} -;vf${name}${order}$* V,W`,
      `${(first + 3 + number * 2).toString(16)} -;vf${name}${order}@* V,W%`,
    ]);
    return [...alternating, ...rest];
  });
}

/** Opcodes after 0f 38. */
export const vectorRows0f38: readonly string[] = [
  ...["pshufb", "phaddw", "phaddd", "phaddsw", "pmaddubsw", "phsubw", "phsubd", "phsubsw", "psignb", "psignw", "psignd", "pmulhrsw"].map((name, code) => `${code.toString(16)} ${name.toUpperCase()} P,Q;${name}*`),
  "c -;vpermilps*", "d -;vpermilpd*", "e -;vtestps", "f -;vtestpd", "10 -;PBLENDVB", "13 -;vcvtph2ps V,Wh", "14 -;BLENDVPS", "15 -;BLENDVPD", "16 -;vpermps*", "17 -;ptest", "18 -;vbroadcastss V,Wd",
  "19 -;vbroadcastsd V,Wq", "1a -;vbroadcastf128 V,Mo", "1c PABSB P,Q;pabsb", "1d PABSW P,Q;pabsw", "1e PABSD P,Q;pabsd", "20 -;pmovsxbw V,Wh", "21 -;pmovsxbd V,Wf", "22 -;pmovsxbq V,We",
  "23 -;pmovsxwd V,Wh", "24 -;pmovsxwq V,Wf", "25 -;pmovsxdq V,Wh", "28 -;pmuldq*", "29 -;pcmpeqq*", "2a -;movntdqa V,M", "2b -;packusdw*", "2c -;vmaskmovps* V,M", "2d -;vmaskmovpd* V,M",
  "2e -;vmaskmovps* M,V", "2f -;vmaskmovpd* M,V", "30 -;pmovzxbw V,Wh", "31 -;pmovzxbd V,Wf", "32 -;pmovzxbq V,We", "33 -;pmovzxwd V,Wh", "34 -;pmovzxwq V,Wf", "35 -;pmovzxdq V,Wh",
  "36 -;vpermd*", "37 -;pcmpgtq*", "38 -;pminsb*", "39 -;pminsd*", "3a -;pminuw*", "3b -;pminud*", "3c -;pmaxsb*", "3d -;pmaxsd*", "3e -;pmaxuw*", "3f -;pmaxud*", "40 -;pmulld*", "41 -;phminposuw",
  "45 -;vpsrlv%*", "46 -;vpsravd*", "47 -;vpsllv%*", "58 -;vpbroadcastd V,Wd", "59 -;vpbroadcastq V,Wq", "5a -;vbroadcasti128 V,Mo", "78 -;vpbroadcastb V,Wb", "79 -;vpbroadcastw V,Ww",
  "8c -;vpmaskmov%* V,M", "8e -;vpmaskmov%* M,V", ...fusedRows(), "c8 SHA1NEXTE", "c9 SHA1MSG1", "ca SHA1MSG2", "cb SHA256RNDS2", "cc SHA256MSG1", "cd SHA256MSG2", "db -;aesimc", "dc -;aesenc*", "dd -;aesenclast*", "de -;aesdec*", "df -;aesdeclast*",
  "f2 ^andn Gy,By,Ey", "f5 ^bzhi Gy,Ey,By;-;^pext Gy,By,Ey;^pdep Gy,By,Ey", "f6 -;ADCX Gy,Ey;ADOX Gy,Ey;^mulx Gy,By,Ey", "f7 ^bextr Gy,Ey,By;^shlx Gy,Ey,By;^sarx Gy,Ey,By;^shrx Gy,Ey,By",
]; // prettier-ignore

/** Opcodes after 0f 3a. */
export const vectorRows0f3a: readonly string[] = [
  "0 -;vpermq V,W,Ib", "1 -;vpermpd V,W,Ib", "2 -;vpblendd* V,W,Ib", "4 -;vpermilps V,W,Ib", "5 -;vpermilpd V,W,Ib", "6 -;vperm2f128* V,W,Ib", "8 -;roundps V,W,Ib", "9 -;roundpd V,W,Ib", "a -;roundss* V,Wd,Ib",
  "b -;roundsd* V,Wq,Ib", "c -;blendps* V,W,Ib", "d -;blendpd* V,W,Ib", "e -;pblendw* V,W,Ib", "f PALIGNR P,Q,Ib;palignr* V,W,Ib", "14 -;pextrb Mb,Vo,Ib", "15 -;pextrw Mw,Vo,Ib", "16 -;pextr% Ey,Vo,Ib",
  "17 -;extractps Ed,Vo,Ib", "18 -;vinsertf128* V,Wo,Ib", "19 -;vextractf128 Wo,V,Ib", "20 -;pinsrb* V,Mb,Ib", "21 -;insertps* V,Wd,Ib", "22 -;pinsr%* V,Ey,Ib", "38 -;vinserti128* V,Wo,Ib",
  "39 -;vextracti128 Wo,V,Ib", "40 -;dpps* V,W,Ib", "41 -;dppd* V,W,Ib", "42 -;mpsadbw* V,W,Ib", "44 -;pclmulqdq* V,W,Ib", "46 -;vperm2i128* V,W,Ib", "4a -;vblendvps* V,W,A", "4b -;vblendvpd* V,W,A",
  "4c -;vpblendvb* V,W,A", "60 -;pcmpestrm V,W,Ib", "61 -;pcmpestri V,W,Ib", "62 -;pcmpistrm V,W,Ib", "63 -;pcmpistri V,W,Ib", "cc SHA1RNDS4 V,W,Ib", "df -;aeskeygenassist V,W,Ub", "f0 -;-;-;^rorx Gy,Ey,Ib",
]; // prettier-ignore

/** A row's operands where it says none. */
export const usualOperands = "V,W";

/** Opcodes after 0f that an EVEX prefix changes: a mask register as the result, or a name that tells the element. */
export const evexRows0f: readonly string[] = [
  "64 -;vpcmpgtb* K,W", "65 -;vpcmpgtw* K,W", "66 -;vpcmpgtd* K,W", "6f -;vmovdqa#;vmovdqu#;vmovdqu&", "72 -", "74 -;vpcmpeqb* K,W", "75 -;vpcmpeqw* K,W", "76 -;vpcmpeqd* K,W",
  "7f -;vmovdqa# W,V;vmovdqu# W,V;vmovdqu& W,V", "c2 vcmpps* K,W,Ub;vcmppd* K,W,Ub;vcmpss* K,Wd,Ub;vcmpsd* K,Wq,Ub", "db -;vpand%*", "df -;vpandn%*", "eb -;vpor%*", "ef -;vpxor%*", "e2 -;vpsra%* V,Wo",
]; // prettier-ignore

/** The same after 0f 38. */
export const evexRows0f38: readonly string[] = [
  "1a -;vbroadcastf32x4 V,Wo", "1f -;vpabsq", "26 -;vptestm!* K,W;vptestnm!* K,W", "27 -;vptestm%* K,W;vptestnm%* K,W", "29 -;vpcmpeqq* K,W", "36 -;vperm%*", "37 -;vpcmpgtq* K,W", "39 -;vpmins%*", "3b -;vpminu%*", "3d -;vpmaxs%*",
  "3f -;vpmaxu%*", "40 -;vpmull%*", "46 -;vpsrav%*", "5a -;vbroadcasti32x4 V,Wo", "7a -;vpbroadcastb V,Rd", "7b -;vpbroadcastw V,Rd", "7c -;vpbroadcast% V,Ry", "75 -;vpermi2!*", "7d -;vpermt2!*", "76 -;vpermi2%*", "7e -;vpermt2%*", "8d -;vperm!*", "64 -;vpblendm%*", "b4 -;vpmadd52luq*", "b5 -;vpmadd52huq*",
  "c8 ", "c9 ", "ca ", "cb ", "cc ", "cd ",
]; // prettier-ignore

/** The same after 0f 3a. */
export const evexRows0f3a: readonly string[] = [
  "3 -;valign%* V,W,Ub", "1e -;vpcmpu%* K,W,Ub", "1f -;vpcmp%* K,W,Ub", "25 -;vpternlog%* V,W,Ub", "3e -;vpcmpu!* K,W,Ub", "3f -;vpcmp!* K,W,Ub", "8 -;vrndscaleps V,W,Ub", "9 -;vrndscalepd V,W,Ub",
  "23 -;vshuff=* V,W,Ub", "43 -;vshufi=* V,W,Ub", "18 -;vinsertf=* V,Wo,Ub", "19 -;vextractf= Wo,V,Ub", "39 -;vextracti= Wo,V,Ub", "38 -;vinserti=* V,Wo,Ub",
]; // prettier-ignore
